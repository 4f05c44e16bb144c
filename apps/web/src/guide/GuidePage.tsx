import { notFound } from 'next/navigation'
import type { ComponentProps } from 'react'
import Markdown from 'react-markdown'
import rehypeSlug from 'rehype-slug'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { firstPage, readPage } from './files.ts'
import classes from './guide.module.css'
import { headingsOf, titleOf } from './headings.ts'
import { guideLink, pictureLink } from './links.ts'

/**
 * A page of docs/guide, rendered on the server: the guide needs no internet, and nothing about the reader is sent
 * anywhere. HTML inside of the text is shown as text.
 */
export async function GuidePage({ name = firstPage }: { name?: string }) {
  const text = await readPage(name)
  if (text === null) notFound()
  const headings = headingsOf(text)
  return (
    <>
      <PageHeader title={titleOf(text)} />
      <div className={classes.page}>
        {headings.length > 1 && (
          <nav aria-label="On this page" className={classes.contents}>
            <p>On this page</p>
            <ul>
              {headings.map(({ id, title, depth }) => (
                <li key={id} data-depth={depth}>
                  <a href={`#${id}`}>{title}</a>
                </li>
              ))}
            </ul>
            {name !== firstPage && <Link href={paths.help()}>All pages of the guide</Link>}
          </nav>
        )}
        <article className={classes.text}>
          <Markdown
            rehypePlugins={[rehypeSlug]}
            components={{ h1: () => null, a: GuideLink, pre: Command, img: Picture }}
          >
            {text}
          </Markdown>
        </article>
      </div>
    </>
  )
}

function GuideLink({ href = '', children }: ComponentProps<'a'>) {
  const own = guideLink(href)
  return own.startsWith('/') ? <Link href={own}>{children}</Link> : <a href={own}>{children}</a>
}

/** A command may be wider than the page; the focused block can be scrolled by keyboard. */
function Command({ children }: ComponentProps<'pre'>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <pre tabIndex={0}>{children}</pre>
  )
}

/** All pictures have the same size, so that nothing moves when a picture arrives. */
function Picture({ src, alt }: ComponentProps<'img'>) {
  return (
    // biome-ignore lint/performance/noImgElement: the pictures are as small as they should be already.
    <img
      src={pictureLink(typeof src === 'string' ? src : '')}
      alt={alt ?? ''}
      width={1280}
      height={800}
      loading="lazy"
      decoding="async"
    />
  )
}
